<?php

declare(strict_types=1);

namespace Demo;

use Throwable;

require __DIR__ . '/Database.php';

/** Text for HTML. */
function h(string $text): string
{
    return htmlspecialchars($text, ENT_QUOTES | ENT_SUBSTITUTE);
}

/** One field of a request; empty where there is none, or no text. */
function field(array $from, string $name): string
{
    return is_string($from[$name] ?? null) ? $from[$name] : '';
}

/** What happened, as an answer with a status. */
function fail(int $status, string $message): never
{
    http_response_code($status);
    page('That did not work', fn () => print '<p>' . h($message) . '</p>');
    exit;
}

/** After a form: the browser asks for another page, so that reloading it sends nothing twice. */
function see(string $url): never
{
    header("Location: $url", true, 303);
    exit;
}

/** A whole page, with $content in its middle. */
function page(string $title, callable $content): void
{
    header('Content-Type: text/html; charset=utf-8');
    $seconds = number_format((microtime(true) - $_SERVER['REQUEST_TIME_FLOAT']) * 1000, 1);
    ?>
<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title><?= h($title) ?> · phpsapi</title>
<link rel="stylesheet" href="/style.css">
<link rel="icon" href="/mark.svg">
<nav>
    <a href="/"><img src="/mark.svg" alt="" width="24" height="24"> phpsapi</a>
    <a href="/">Notes</a> <a href="/pictures.php">Pictures</a> <a href="/stream.php">Stream</a>
    <a href="/slow.php">Slow</a> <a href="/crash.php">Crash</a>
</nav>
<main>
<h1><?= h($title) ?></h1>
<?php $content() ?>
</main>
<footer>PHP <?= PHP_VERSION ?> as <code><?= PHP_SAPI ?></code>, worker <?= getmypid() ?>,
    <?= h($_SERVER['SERVER_PROTOCOL'] ?? '') ?>, <?= $seconds ?> ms, request <code><?= h($_SERVER['HTTP_X_REQUEST_ID'] ?? '-') ?></code></footer>
</html>
<?php
}

set_exception_handler(function (Throwable $e): void {
    error_log((string) $e);
    if (!headers_sent()) {
        fail(500, $e->getMessage());
    }
});
