<?php
foreach (['Component/HttpKernel', 'Bundle/FrameworkBundle', 'Bundle/TwigBundle'] as $part) {
    require_once "/usr/share/php/Symfony/$part/autoload.php";
}
spl_autoload_register(static function (string $class): void {
    if (strncmp($class, 'App\\', 4) === 0) {
        include __DIR__ . '/src/' . strtr(substr($class, 4), '\\', '/') . '.php';
    }
});
