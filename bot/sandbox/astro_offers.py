"""What the sandbox's Astro has to offer: for each provider its regions, instances and default ranges.

Regions are those of Astro's resource reference (AWS, GCP) and of its Terraform provider (Azure, with the continents
that decide on replication time control); default ranges those of its page on dedicated clusters; instances a few real
ones.
"""

from typing import Any

Json = dict[str, Any]

PROVIDERS = ("AWS", "AZURE", "GCP")
TYPES = ("DEDICATED", "HYBRID")

# The first of each is the default.
_DATABASES = {
    "AWS": [("db.m6g.large", 2, "8Gi"), ("db.r6g.large", 2, "16Gi"), ("db.r5.xlarge", 4, "32Gi")],
    "AZURE": [("Standard_D4ds_v4", 4, "16Gi"), ("Standard_D2ds_v4", 2, "8Gi"), ("Standard_E4ds_v4", 4, "32Gi")],
    "GCP": [
        ("Small General Purpose", 2, "8Gi"),
        ("Medium General Purpose", 4, "16Gi"),
        ("Large General Purpose", 8, "32Gi"),
    ],
}
_NODES = {
    "AWS": [("m5.xlarge", 4, "16Gi"), ("m5.2xlarge", 8, "32Gi"), ("m6i.xlarge", 4, "16Gi")],
    "AZURE": [("Standard_D4d_v5", 4, "16Gi"), ("Standard_D8d_v5", 8, "32Gi")],
    "GCP": [("e2-standard-4", 4, "16Gi"), ("n2-standard-4", 4, "16Gi")],
}
_REGIONS = {
    "AWS": """ap-northeast-1 ap-southeast-1 ap-southeast-2 ap-south-1 eu-central-1 eu-west-1 eu-west-2 sa-east-1
        us-east-1 us-east-2 us-west-1 us-west-2""",
    "AZURE": """eastus2:americas eastus:americas northeurope:europe australiaeast:asiapacific westeurope:europe
        westus2:americas japaneast:asiapacific canadacentral:americas uksouth:europe brazilsouth:americas
        centralindia:asiapacific francecentral:europe centralus:americas westus3:americas southcentralus:americas
        uaenorth:middleeast germanywestcentral:europe southafricanorth:africa""",
    "GCP": """asia-east1 asia-northeast1 asia-northeast2 asia-northeast3 asia-south1 asia-south2 asia-southeast1
        asia-southeast2 australia-southeast1 australia-southeast2 europe-central2 europe-north1 europe-southwest1
        europe-west1 europe-west2 europe-west3 europe-west4 europe-west8 europe-west9 northamerica-northeast1
        northamerica-northeast2 southamerica-east1 southamerica-west1 us-central1 us-east1 us-east4 us-east5 us-south1
        us-west1 us-west2 us-west3 us-west4""",
}
_DEFAULT_REGION = {"AWS": "us-east-1", "AZURE": "centralus", "GCP": "us-central1"}
_DEFAULT_RANGES = {
    "AWS": {"defaultVpcSubnetRange": "172.20.0.0/20"},
    "AZURE": {"defaultVpcSubnetRange": "172.20.0.0/19"},
    "GCP": {
        "defaultVpcSubnetRange": "172.20.0.0/22",
        "defaultPodSubnetRange": "100.64.0.0/16",
        "defaultServiceSubnetRange": "100.65.0.0/22",
        "defaultServicePeeringRange": "100.66.0.0/21",
    },
}


def options() -> dict[str, Json]:
    """A fresh copy of what `cluster-options` says, by provider; both types of cluster are offered the same."""
    return {provider: _options(provider) for provider in PROVIDERS}


def _options(provider: str) -> Json:
    regions = [_region(text) for text in _REGIONS[provider].split()]
    databases = [_instance(*each) for each in _DATABASES[provider]]
    nodes = [_instance(*each) for each in _NODES[provider]]
    return {
        "provider": provider,
        "databaseInstances": databases,
        "defaultDatabaseInstance": dict(databases[0]),
        "defaultNodeInstance": dict(nodes[0]),
        "nodeInstances": nodes,
        "regions": regions,
        "defaultRegion": dict(next(each for each in regions if each["name"] == _DEFAULT_REGION[provider])),
        **_DEFAULT_RANGES[provider],
        "nodeCountDefault": 20,
        "nodeCountMax": 100,
        "nodeCountMin": 2,
    }


def _region(text: str) -> Json:
    name, _, location = text.partition(":")
    return {"name": name, "location": location} if location else {"name": name}


def _instance(name: str, cpu: int, memory: str) -> Json:
    return {"name": name, "cpu": cpu, "memory": memory}
