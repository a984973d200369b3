<?php
// SPDX-FileCopyrightText: The Causey Authors
// SPDX-License-Identifier: Apache-2.0
// A small shop. Its directory and the environment say what it does not do well.

if (is_file(__DIR__ . '/.maintenance')) { // as WordPress does while it is updated
    http_response_code(503);
    header('Retry-After: 600');
    header('Content-Type: text/html; charset=utf-8');
    echo '<!DOCTYPE html><title>Maintenance</title><h1>Briefly unavailable for scheduled maintenance. Check back in a minute.</h1>';
    exit;
}
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if ($path === '/report') {
    usleep((int) (getenv('REPORT_MS') ?: 100) * 1000);
} elseif ($path === '/account') {
    for ($i = 0; $i < (int) (getenv('COOKIES') ?: 2); $i++) {
        setcookie("seen$i", str_repeat('v', 900));
    }
} elseif ($path === '/cart' && $_SERVER['CONTENT_LENGTH'] > 0 && !$_POST) {
    // What is beyond post_max_size is not there.
    http_response_code(413);
    echo "The order is too large.\n";
    exit;
} else {
    usleep((int) (getenv('PAGE_MS') ?: 5) * 1000);
}
echo '<!doctype html><title>', htmlspecialchars($path), '</title><p>', str_repeat('A thing that nobody needs and everybody wants. ', 60), "\n";
