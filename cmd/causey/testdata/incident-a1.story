20260309-a1
app.internal:9000: No program listens on the server's port

  State      confirmed, since 9 March 14:02:00 (13 min)
  Severity   critical: most of what is asked for fails
  Where      server app.internal:9000 (isolated)
  Sites      shop.example

What happens
  Server refuses connections. 40 requests of visitors failed; 72 failures were
  kept from them, since another server or a later attempt answered.

Why
  The machine answers, but the program that should serve your site is not
  listening there.
  This is tcp.refused.down (F009), with a confidence of 93 %:
  `causey explain tcp.refused.down`

The evidence, and what it weighs
   +1.5  it had answered 4120 requests before
   +1.0  it has failed for 12 min
   +0.7  112 of 118 attempts failed
   -0.3  the address is a public one
   -0.2  it answers by its other address

What it could be instead
  - ops.restart, The server was restarted, 5 %:
    Does it come back by itself within a minute?

What to do
  any        Start the program again, and find out why it ended.
  systemd    `systemctl status NAME` shows the end.

Examples (causey explain ID)
  zvebn63p-00000000002
  zvebn63p-00000000006
