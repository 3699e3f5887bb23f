<?php
declare(strict_types=1);

// PSR-4: App\Orders\Order is in src/Orders/Order.php.
spl_autoload_register(static function (string $class): void {
    if (strncmp($class, 'App\\', 4) !== 0) {
        return;
    }
    include __DIR__ . '/' . strtr(substr($class, 4), '\\', '/') . '.php';
});
