"""Pages: one HTML file each, made of a document, styles (`css/`) and scripts (`js/`)."""
