"""What the pages share: the navigation, the shell, and the pieces they show."""
