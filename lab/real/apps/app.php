<?php
// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0

const BLOCK = 65536;

function send_pattern(int $n): void
{
    $block = '';
    for ($j = 0; $j < BLOCK; $j++) {
        $block .= chr(($j ^ (($j >> 8) * 31)) & 255);
    }
    $tail = substr($block, 16);
    for ($i = 0; $i * BLOCK < $n && !connection_aborted(); $i++) {
        echo substr(sprintf("%015x\n", $i) . $tail, 0, min(BLOCK, $n - $i * BLOCK));
        flush();
    }
}

function upload(): void
{
    $hash = hash_init('sha256');
    $in = fopen('php://input', 'rb');
    $n = 0;
    while (($piece = fread($in, BLOCK)) !== false && $piece !== '') {
        $n += strlen($piece);
        hash_update($hash, $piece);
    }
    header('Content-Type: application/json');
    echo json_encode(['bytes' => $n, 'sha256' => hash_final($hash)]), "\n";
}

function events(int $n, int $every): void
{
    header('Content-Type: text/event-stream');
    header('X-Accel-Buffering: no');
    for ($i = 1; $i <= $n; $i++) {
        echo "id: $i\ndata: event $i\n\n";
        flush();
        usleep($every * 1000);
    }
}

header_remove('X-Powered-By');
$path = preg_replace('#^/php(?=/)#', '', parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH));
if (preg_match('#^/size/(\d+)$#', $path, $m)) {
    header('Content-Type: application/octet-stream');
    header("Content-Length: $m[1]");
    send_pattern((int) $m[1]);
} elseif ($path === '/upload') {
    upload();
} elseif ($path === '/slow') {
    usleep((int) ($_GET['ms'] ?? 1000) * 1000);
    echo "slow, but here\n";
} elseif ($path === '/sse') {
    events((int) ($_GET['n'] ?? 5), (int) ($_GET['every'] ?? 50));
} elseif ($path === '/') {
    echo "hello from the lab\n";
} else {
    http_response_code(404);
    echo "no such path\n";
}
