"""Items -> a file format: SVG, PDF, PNG, HTML, DOT, Mermaid."""
