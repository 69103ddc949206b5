"""Networks, pretrained backbones, their weights and augmentation."""
