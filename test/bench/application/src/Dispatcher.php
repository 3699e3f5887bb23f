<?php
declare(strict_types=1);

namespace App;

final class Dispatcher
{
    /** @var array<string, array<int, list<callable>>> */
    private array $listeners = [];

    public function listen(string $event, callable $listener, int $priority): void
    {
        $this->listeners[$event][$priority][] = $listener;
    }

    public function dispatch(string $event, string $subject): void
    {
        foreach ($this->listeners[$event] ?? [] as $listeners) {
            foreach ($listeners as $listener) {
                $listener($subject);
            }
        }
    }
}
