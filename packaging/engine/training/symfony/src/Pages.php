<?php
namespace Training;

use Symfony\Bundle\FrameworkBundle\Controller\AbstractController;
use Symfony\Component\HttpFoundation\{Request, Response};

class Pages extends AbstractController
{
    public function show(Request $request, int $id): Response
    {
        $beds = [];
        for ($bed = 1; $bed <= 25; $bed++) {
            $beds[] = ['number' => $bed, 'name' => "Bed $bed & $id", 'planted' => $bed % 3 > 0, 'width' => $bed / 7];
        }
        return $this->render('page.html.twig', ['id' => $id, 'beds' => $beds, 'path' => $request->getPathInfo()]);
    }
}
