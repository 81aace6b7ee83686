"""Lambda: sends the e-mails, and notes what SES says about them."""
