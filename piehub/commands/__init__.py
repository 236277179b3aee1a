"""What `flask pie ...` does; piehub/cli.py has what there is to type."""
