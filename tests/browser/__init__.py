"""The playground in a real browser: the page, its server and the library together."""
