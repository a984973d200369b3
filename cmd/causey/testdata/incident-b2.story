20260309-b2
/<script>document.title="owned"</script>?token=secret at shop: A header that
nobody can read

  State      suspected, since 9 March 14:09:00 (6 min)
  Severity   major: visitors get errors
  Where      client 203.0.113.25 (isolated)
  Sites      shop.example

What happens
  Illegal header field \x1b[2J\u202e. 3 requests of visitors failed.

Why
  Probably: <b>the application</b> sends one.
  This is proto.bad_field (F060), with a confidence of 60 %:
  `causey explain proto.bad_field`

Examples (causey explain ID)
  zvebn63p-00000000009
