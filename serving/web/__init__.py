"""What a browser is shown: templates, styles and scripts, and the answers made of them."""
