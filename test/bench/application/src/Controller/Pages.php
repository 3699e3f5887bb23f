<?php
declare(strict_types=1);

namespace App\Controller;

use App\{Container, Request, Response, View};

final class Pages
{
    public function __construct(private Container $container, private View $view) {}

    public function home(Request $request): Response
    {
        return $this->show($request, 'Home', 3);
    }

    public function item(Request $request, string $id): Response
    {
        return $this->show($request, "Item $id", 12);
    }

    private function show(Request $request, string $title, int $rows): Response
    {
        $services = [];
        foreach (array_slice($this->container->ids(), 0, $rows) as $id) {
            $services[$id] = $this->container->get($id)->option('label');
        }
        return new Response($this->view->render('page', ['title' => $title, 'services' => $services,
            'language' => $request->attributes['language'] ?? 'en', 'visitor' => $request->attributes['visitor']]));
    }
}
