<?php
// What applications do: a container, services with interfaces, events, a router, entities, a template.
$n = (int) ($_GET['n'] ?? $argv[1] ?? 1);

interface Service
{
    public function handle(Event $event): void;
}

final class Event
{
    public array $log = [];

    public function __construct(public readonly string $name, private array $payload = []) {}

    public function get(string $key, mixed $default = null): mixed
    {
        return $this->payload[$key] ?? $default;
    }
}

abstract class Base implements Service
{
    protected static int $made = 0;
    private array $options;

    public function __construct(protected ?Service $next = null, array $options = [])
    {
        $this->options = $options + ['depth' => 1, 'name' => static::class];
        self::$made++;
    }

    public function handle(Event $event): void
    {
        $event->log[] = $this->describe($event);
        $this->next?->handle($event);
    }

    public static function made(): int
    {
        return self::$made;
    }

    protected function option(string $name): mixed
    {
        return $this->options[$name];
    }

    abstract protected function describe(Event $event): string;
}

final class Logger extends Base
{
    protected function describe(Event $event): string
    {
        return sprintf('[%s] %s', $this->option('name'), $event->name);
    }
}

final class Counter extends Base implements IteratorAggregate, Countable, ArrayAccess
{
    private array $counts = [];

    protected function describe(Event $event): string
    {
        $this[$event->name] = ($this[$event->name] ?? 0) + 1;
        return $event->name . ':' . $this[$event->name];
    }

    public function getIterator(): Iterator { return new ArrayIterator($this->counts); }
    public function count(): int { return count($this->counts); }
    public function offsetExists(mixed $offset): bool { return isset($this->counts[$offset]); }
    public function offsetGet(mixed $offset): mixed { return $this->counts[$offset] ?? null; }
    public function offsetSet(mixed $offset, mixed $value): void { $this->counts[$offset] = $value; }
    public function offsetUnset(mixed $offset): void { unset($this->counts[$offset]); }
}

trait Cached
{
    private array $cache = [];

    protected function cached(string $key, callable $make): mixed
    {
        return $this->cache[$key] ??= $make();
    }
}

final class Container
{
    use Cached;

    private array $factories = [];

    public function set(string $id, Closure $factory): static
    {
        $this->factories[$id] = $factory;
        return $this;
    }

    public function get(string $id): object
    {
        return $this->cached($id, fn () => ($this->factories[$id] ?? throw new OutOfBoundsException($id))($this));
    }
}

final class Router
{
    private array $routes = [];

    public function add(string $path, callable $handler): void
    {
        $this->routes['#^' . preg_replace('/\{(\w+)\}/', '(?<$1>[^/]+)', $path) . '$#'] = $handler;
    }

    public function dispatch(string $path): string
    {
        foreach ($this->routes as $pattern => $handler) {
            if (preg_match($pattern, $path, $match)) {
                return $handler(...array_filter($match, is_string(...), ARRAY_FILTER_USE_KEY));
            }
        }
        return 'not found';
    }
}

final class Order
{
    private array $lines = [];

    public function __construct(private int $id, private string $customer = '') {}
    public function add(string $article, int $count, float $price): self { $this->lines[] = compact('article', 'count', 'price'); return $this; }
    public function total(): float { return array_reduce($this->lines, static fn (float $sum, array $line) => $sum + $line['count'] * $line['price'], 0.0); }
    public function __get(string $name): mixed { return $this->$name; }
    public function __toString(): string { return "#{$this->id} {$this->customer}: " . number_format($this->total(), 2); }
}

$length = 0;
for ($round = 0; $round < $n; $round++) {
    $container = new Container();
    $container->set('counter', static fn (Container $c) => new Counter());
    for ($i = 0; $i < 40; $i++) {
        $container->set("logger.$i", static fn (Container $c) => new Logger($c->get($i ? 'logger.' . ($i - 1) : 'counter'), ['name' => "l$i"]));
    }
    $router = new Router();
    $router->add('/orders/{id}/{customer}', function (string $id, string $customer) use ($container) {
        $order = new Order((int) $id, $customer);
        for ($i = 0; $i < 12; $i++) {
            $order->add("article $i", $i, 1.25 * $i);
        }
        $container->get('logger.39')->handle($event = new Event('order', ['order' => $order]));
        return $event->get('order') . ' ' . implode('|', $event->log) . ' ' . $order->customer;
    });
    for ($i = 0; $i < 20; $i++) {
        $router->add("/static/page$i", fn () => "page $i");
    }
    foreach (['/orders/42/smith', '/static/page19', '/orders/7/jones', '/nowhere'] as $path) {
        $length += strlen($router->dispatch($path));
    }
    foreach ($container->get('counter') as $name => $count) {
        $length += $count + strlen($name);
    }
}
echo $length, ' ', Base::made(), "\n";
