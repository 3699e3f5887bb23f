<?php
namespace App;

use Symfony\Bundle\FrameworkBundle\Controller\AbstractController;
use Symfony\Component\HttpFoundation\Response;

class Pages extends AbstractController
{
    public function item(string $id): Response
    {
        $response = $this->render('page.html.twig', ['title' => "Item $id", 'rows' => range(1, 12)]);
        $response->headers->set('Content-Length', (string)strlen($response->getContent()));
        return $response;
    }

    public function boot(): Response
    {
        return new Response((string)Kernel::$bootTime);
    }
}
