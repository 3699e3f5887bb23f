<?php
// A page by Symfony's framework: container, events, router, controller, Twig. The directory php has Debian's packages.
use Symfony\Component\HttpFoundation\Request;

foreach (['Component/HttpKernel', 'Bundle/FrameworkBundle', 'Bundle/TwigBundle'] as $part) {
    require_once dirname(__DIR__) . "/php/Symfony/$part/autoload.php";
}
spl_autoload_register(static function (string $class): void {
    if (str_starts_with($class, 'Training\\')) {
        include dirname(__DIR__) . '/src/' . substr($class, strlen('Training\\')) . '.php';
    }
});
$kernel = new Training\Kernel('prod', false);
$request = Request::createFromGlobals();
$response = $kernel->handle($request);
$response->send();
$kernel->terminate($request, $response);
