<?php
declare(strict_types=1);

namespace App;

interface Listener
{
    /** @return array<string, int> the events and priorities */
    public function events(): array;

    public function hear(string $subject): void;
}
