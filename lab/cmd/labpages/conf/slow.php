<?php
http_response_code(500);
ini_set('display_errors', '1');
ini_set('html_errors', '1');
set_time_limit(1);
for (;;) {
}
