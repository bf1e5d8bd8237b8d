"""Users and endpoints of the all-in-one's services. Usage: register.py ADDRESS"""

import sys

from keystoneauth1 import session
from keystoneauth1.identity import v3
from keystoneclient.v3 import client

ADDRESS = sys.argv[1]
SERVICES = (
    ("nova", "compute", f"http://{ADDRESS}:8774/v2.1"),
    ("placement", "placement", f"http://{ADDRESS}:8778"),
    ("glance", "image", f"http://{ADDRESS}:9292"),
    ("neutron", "network", f"http://{ADDRESS}:9696"),
    ("cinder", "volumev3", f"http://{ADDRESS}:8776/v3"),
)
keystone = client.Client(session=session.Session(auth=v3.Password(
    auth_url=f"http://{ADDRESS}:5000/v3", username="admin", password="pw", project_name="admin",
    user_domain_name="Default", project_domain_name="Default")), region_name="RegionOne", interface="public")
project = keystone.projects.create("service", "default")
roles = [next(role for role in keystone.roles.list() if role.name == "admin"), keystone.roles.create("service")]
for name, kind, url in SERVICES:
    user = keystone.users.create(name, domain="default", password="pw")
    for role in roles:
        keystone.roles.grant(role, user=user, project=project)
    service = keystone.services.create(name, type=kind)
    for interface in ("public", "internal", "admin"):
        keystone.endpoints.create(service, url, interface=interface, region="RegionOne")
