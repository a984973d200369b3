vcl 4.1;
backend origin { .host = "{{.Data.OriginHost}}"; .port = "{{.Data.OriginPort}}"; .first_byte_timeout = 1s; }
backend dead { .host = "{{.Data.DeadHost}}"; .port = "{{.Data.DeadPort}}"; .connect_timeout = 1s; }
sub vcl_recv {
    set req.backend_hint = origin;
    if (req.url ~ "^/dead/") { set req.backend_hint = dead; }
    if (req.url == "/own/403") { return (synth(403)); }
    if (req.url == "/own/restart") { return (restart); }
    return (pass);
}
