<?php

declare(strict_types=1);

namespace Demo;

require __DIR__ . '/../src/page.php';

const LARGEST = 8 << 20; // bytes

$database = new Database();

if (isset($_GET['id'])) {
    $picture = $database->picture((int) field($_GET, 'id')) ?? fail(404, 'There is no such picture.');
    header("ETag: \"{$picture['hash']}\"");
    header('Cache-Control: private, max-age=3600');
    if (($_SERVER['HTTP_IF_NONE_MATCH'] ?? '') === "\"{$picture['hash']}\"") {
        http_response_code(304);
        return;
    }
    header("Content-Type: {$picture['type']}");
    header('X-Content-Type-Options: nosniff');
    header('Content-Length: ' . strlen($picture['content']));
    print $picture['content'];
    return;
}

if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    $file = $_FILES['picture'] ?? ['error' => UPLOAD_ERR_INI_SIZE];
    if ($file['error'] !== UPLOAD_ERR_OK) {
        fail(422, match ($file['error']) {
            UPLOAD_ERR_INI_SIZE => 'The picture is larger than PHP takes: upload_max_filesize is ' . ini_get('upload_max_filesize')
                . ', post_max_size ' . ini_get('post_max_size') . '.',
            UPLOAD_ERR_NO_FILE => 'No picture was chosen.',
            default => "The upload failed: error {$file['error']}.",
        });
    }
    $type = getimagesize($file['tmp_name'])['mime'] ?? '';
    if (!in_array($type, ['image/png', 'image/jpeg', 'image/gif', 'image/webp'], true) || $file['size'] > LARGEST) {
        fail(422, 'A picture is PNG, JPEG, GIF or WebP, and has up to ' . (LARGEST >> 20) . ' MB.');
    }
    $database->add(basename($file['name']), $type, file_get_contents($file['tmp_name']));
    see('/pictures.php');
}

page('Pictures', function () use ($database) {
    ?>
<form method="post" enctype="multipart/form-data">
    <label>A picture <input type="file" name="picture" accept="image/*" required></label>
    <button>Send it</button>
</form>
<div class="pictures">
<?php foreach ($database->pictures() as $picture) { ?>
    <figure>
        <img src="?id=<?= $picture['id'] ?>" alt="">
        <figcaption><?= h($picture['name']) ?></figcaption>
    </figure>
<?php } ?>
</div>
<?php
});
