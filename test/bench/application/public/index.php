<?php
declare(strict_types=1);

// Works both ways: where there is worker mode it boots once and loops, elsewhere it boots and answers once.
$before = getrusage();
require dirname(__DIR__) . '/src/autoload.php';
$kernel = new App\Kernel(dirname(__DIR__));
$kernel->boot($before);
$answer = static function () use ($kernel): void {
    $kernel->handle(App\Request::fromGlobals())->send();
};
if (function_exists('frankenphp_handle_request')) {
    while (frankenphp_handle_request($answer));
} else {
    $answer();
}
