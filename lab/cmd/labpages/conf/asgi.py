async def application(scope, receive, send):
    if scope["type"] == "http":
        raise RuntimeError("made to fail")
