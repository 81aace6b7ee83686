"""Lambda: sends each recipient the messages of a day as one e-mail, the digest."""
