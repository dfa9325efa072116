"""Tasks that died: what is known of them, what it takes to run them again, and where both are kept."""
