<?php
declare(strict_types=1);

namespace App;

/** Renders templates. What they show is escaped by e(). */
final class View
{
    public function __construct(private string $directory) {}

    public function render(string $template, array $values): string
    {
        ob_start();
        (function () use ($template, $values): void {
            extract($values);
            include "$this->directory/$template.php";
        })();
        return ob_get_clean();
    }

    public function e(mixed $value): string
    {
        return htmlspecialchars((string)$value);
    }
}
