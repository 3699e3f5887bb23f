<?php
declare(strict_types=1);

namespace App;

/** Makes services, each with those that it depends on. */
final class Container
{
    /** @var array<string, object> */
    private array $services = [];

    /** @param array<string, array{class-string, list<string>}> $definitions */
    public function __construct(private array $definitions) {}

    /** @return list<string> */
    public function ids(): array
    {
        return array_keys($this->definitions);
    }

    public function get(string $id): object
    {
        return $this->services[$id] ??= $this->make($id);
    }

    private function make(string $id): object
    {
        [$class, $needs] = $this->definitions[$id] ?? throw new \OutOfBoundsException("there is no service $id");
        $arguments = [];
        foreach ((new \ReflectionClass($class))->getConstructor()?->getParameters() ?? [] as $parameter) {
            $type = $parameter->getType();
            $arguments[$parameter->getName()] = match (true) {
                $type instanceof \ReflectionNamedType && $type->isBuiltin() => $id,
                $needs !== [] => $this->get(array_shift($needs)),
                $parameter->isDefaultValueAvailable() => $parameter->getDefaultValue(),
            };
        }
        return new $class(...$arguments);
    }
}
