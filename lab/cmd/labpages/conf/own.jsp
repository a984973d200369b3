<% response.sendError(503, "made to fail"); %>
