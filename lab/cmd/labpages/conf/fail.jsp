<% if (true) throw new RuntimeException("made to fail"); %>
