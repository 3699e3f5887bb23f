<?php
declare(strict_types=1);

namespace App;

/** Finds the route of a path: fixed ones by name, the others by one pattern for all. */
final class Router
{
    /** @var array<string, array{class-string, string}> */
    private array $fixed = [];
    /** @var array<string, array{class-string, string}> */
    private array $marked = [];
    private string $pattern;

    /** @param list<array{string, string, class-string, string}> $routes */
    public function __construct(array $routes)
    {
        $alternatives = [];
        foreach ($routes as $i => [$method, $path, $controller, $action]) {
            if (!str_contains($path, '{')) {
                $this->fixed["$method $path"] = [$controller, $action];
                continue;
            }
            $alternatives[] = preg_quote($method) . ' ' . preg_replace('/\\\\\{\w+\\\\\}/', '([^/]+)', preg_quote($path, '~')) . "(*MARK:r$i)";
            $this->marked["r$i"] = [$controller, $action];
        }
        $this->pattern = '~^(?|' . implode('|', $alternatives) . ')$~';
    }

    /** @return array{class-string, string, list<string>}|null */
    public function match(string $method, string $path): ?array
    {
        if ($found = $this->fixed["$method $path"] ?? null) {
            return [...$found, []];
        }
        if (!preg_match($this->pattern, "$method $path", $parts)) {
            return null;
        }
        $mark = $parts['MARK'];
        unset($parts[0], $parts['MARK']);
        return [...$this->marked[$mark], array_values($parts)];
    }
}
