<?php
declare(strict_types=1);

namespace App;

final class Request
{
    /** @var array<string, string> */
    public array $attributes = [];

    public function __construct(
        public readonly string $method,
        public readonly string $path,
        public readonly array $query,
        public readonly array $cookies,
        public readonly array $server,
    ) {}

    public static function fromGlobals(): self
    {
        return new self($_SERVER['REQUEST_METHOD'], strtok($_SERVER['REQUEST_URI'], '?'), $_GET, $_COOKIE, $_SERVER);
    }
}
