<?php
// Works both ways: where there is worker mode it boots once and loops, elsewhere it boots and answers once.
use Symfony\Component\HttpFoundation\Request;

$before = getrusage();
require dirname(__DIR__) . '/autoload.php';
$kernel = new App\Kernel('prod', false);
$kernel->boot();
$kernel->noteBoot($before);
$answer = static function () use ($kernel): void {
    $request = Request::createFromGlobals();
    $response = $kernel->handle($request);
    $response->send();
    $kernel->terminate($request, $response);
};
if (function_exists('frankenphp_handle_request')) {
    while (frankenphp_handle_request($answer));
} else {
    $answer();
}
