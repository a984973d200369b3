def application(environ, start_response):
    if environ["PATH_INFO"] == "/fail":
        raise RuntimeError("made to fail")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello\n"]
