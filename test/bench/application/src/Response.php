<?php
declare(strict_types=1);

namespace App;

final class Response
{
    /** @param array<string, string> $headers */
    public function __construct(private string $body, private int $status = 200, private array $headers = []) {}

    public function with(string $name, string $value): self
    {
        $this->headers[$name] = $value;
        return $this;
    }

    public function send(): void
    {
        http_response_code($this->status);
        foreach ($this->headers as $name => $value) {
            header("$name: $value");
        }
        header('Content-Length: ' . strlen($this->body));
        echo $this->body;
    }
}
