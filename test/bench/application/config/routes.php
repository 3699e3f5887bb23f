<?php
declare(strict_types=1);

$routes = [['GET', '/', App\Controller\Pages::class, 'home']];
foreach (['orders', 'customers', 'articles', 'invoices', 'shipments', 'stores', 'prices', 'taxes', 'users', 'roles'] as $name) {
    foreach (['', '/{id}', '/{id}/edit', '/{id}/history'] as $path) {
        $routes[] = ['GET', "/$name$path", App\Controller\Pages::class, $path === '' ? 'home' : 'item'];
    }
}
return $routes;
