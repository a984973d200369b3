20260308-e5
The gateway: <i>The database is full</i>

  State      closed; it lasted from 9 March 10:40:00 for 48 min; it came again
             once
  Severity   major: visitors get errors
  Where      everything (systemic)

What happens
  Answered 500. 900 requests of visitors failed.

Why
  No cause stands out yet.
