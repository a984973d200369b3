<?php
ini_set('display_errors', '1');
ini_set('html_errors', '1');
ini_set('memory_limit', '8M');
http_response_code(500);
$all = str_repeat('a', 1 << 26);
