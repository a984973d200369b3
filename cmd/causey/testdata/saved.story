zvebn63p-0000000000f
GET shop.example/cart

  When      2026-03-09T14:03:01.000Z
  Client    203.0.113.25
  Route     site shop.example, path /, upstream shop
  Server    app2.internal:9000
  Failure   none that the visitor saw
  Saved     by retry, hold
  Held      1804 ms

What happened
  - The server's answer, status 200, reached the client whole: 9,112 bytes of
    body.
  - The first attempt, on app.internal:9000, failed (upstream.connect.refused:
    Server refuses connections); then another server, app2.internal:9000,
    answered. The visitor saw nothing of it.
  - No server could be asked at first: the request was held for 1.8 s until one
    could.
  - 2 attempts were made. app.internal:9000: upstream.connect.refused;
    app2.internal:9000: answered with status 200.
  - It took 1.8 s in all, 1.8 s of it in phase queue.

Time by phase
  read-head             0.020 ms
  queue              1804.000 ms
  connect               0.700 ms
  await-head           38.000 ms
  relay-body            1.100 ms
