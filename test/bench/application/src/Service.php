<?php
declare(strict_types=1);

namespace App;

/** What all services have. */
abstract class Service implements Listener
{
    protected array $options = [];
    private int $heard = 0;

    public function __construct(protected readonly string $id, private ?self $first = null, private ?self $second = null)
    {
        $this->options = ['id' => $id, 'first' => $first?->id, 'second' => $second?->id] + $this->defaults();
    }

    abstract protected function defaults(): array;

    public function option(string $name): mixed
    {
        return $this->options[$name] ?? $this->first?->option($name);
    }

    public function hear(string $subject): void
    {
        $this->heard += strlen($subject);
    }
}
