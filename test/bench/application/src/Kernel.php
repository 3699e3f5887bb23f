<?php
declare(strict_types=1);

namespace App;

final class Kernel
{
    private Container $container;
    private Router $router;
    private Dispatcher $dispatcher;
    /** @var Middleware[] */
    private array $middleware = [];
    /** The CPU time of the boot, in microseconds. */
    private int $bootTime = 0;

    public function __construct(private string $root) {}

    /** @param array<string, int> $before what getrusage() said when the script began */
    public function boot(array $before): void
    {
        $this->container = new Container(require $this->root . '/config/services.php');
        $this->router = new Router(require $this->root . '/config/routes.php');
        $this->dispatcher = new Dispatcher();
        foreach ($this->container->ids() as $id) {
            $service = $this->container->get($id);
            if ($service instanceof Listener) {
                foreach ($service->events() as $event => $priority) {
                    $this->dispatcher->listen($event, [$service, 'hear'], $priority);
                }
            }
        }
        $this->middleware = [new Middleware\Headers(), new Middleware\Locale(['en', 'de', 'fr']), new Middleware\Visitor()];
        $this->bootTime = self::micro(getrusage()) - self::micro($before);
    }

    /** @param array<string, int> $usage */
    private static function micro(array $usage): int
    {
        return 1_000_000 * ($usage['ru_utime.tv_sec'] + $usage['ru_stime.tv_sec']) + $usage['ru_utime.tv_usec'] + $usage['ru_stime.tv_usec'];
    }

    public function handle(Request $request): Response
    {
        $next = fn(Request $request): Response => $this->route($request);
        foreach (array_reverse($this->middleware) as $middleware) {
            $next = static fn(Request $request): Response => $middleware->handle($request, $next);
        }
        $this->dispatcher->dispatch('request', $request->path);
        return $next($request);
    }

    private function route(Request $request): Response
    {
        if ($request->path === '/boot') {
            return new Response((string)$this->bootTime, 200, ['Content-Type' => 'text/plain']);
        }
        [$controller, $method, $parameters] = $this->router->match($request->method, $request->path) ?? [null, null, []];
        if ($controller === null) {
            return new Response("Not found\n", 404);
        }
        $controller = new $controller($this->container, new View($this->root . '/templates'));
        return $controller->$method($request, ...$parameters);
    }
}
