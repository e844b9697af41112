#include "apiserver/openapi_builtin.h"

namespace breakwater::apiserver {

namespace {

constexpr std::string_view kResources = R"(
= meta.v1.ObjectMeta What every object has: name, labels, owners, history.
annotations {s} Values for tools; not used for selecting.
creationTimestamp t When the object was made; set by the server.
deletionGracePeriodSeconds l Seconds granted before deletion; set by the server.
deletionTimestamp t When deletion was asked for; set by the server.
finalizers [s]~ Who must agree before the object goes.
generateName s A prefix; the server makes up the rest of the name.
generation l Counts changes of the specification; set by the server.
labels {s} Values for selecting and grouping.
managedFields [o] Who manages which field; not kept by this server.
name s Unique for its kind in its namespace; cannot change.
namespace s Where the object lives; cannot change.
ownerReferences [@meta.v1.OwnerReference]~uid Objects that this one goes with.
resourceVersion s The version of the object; for detecting conflicts and for watching.
selfLink s Deprecated.
uid s Unique in space and time; set by the server.

= meta.v1.OwnerReference An object that another one goes with.
apiVersion! s The owner's group and version.
blockOwnerDeletion b Whether foreground deletion of the owner waits for this object.
controller b Whether the owner manages this object.
kind! s The owner's kind.
name! s The owner's name.
uid! s The owner's uid.

= meta.v1.LabelSelector A condition on labels; all parts must hold.
matchExpressions [@meta.v1.LabelSelectorRequirement] Requirements with operators.
matchLabels {s} Labels that must have exactly these values.

= meta.v1.LabelSelectorRequirement A requirement on one label.
key! s The label.
operator! s In, NotIn, Exists or DoesNotExist.
values [s] The values for In and NotIn.

=* core.v1.Namespace A scope for names.
spec @core.v1.NamespaceSpec What holds the namespace.
status @core.v1.NamespaceStatus What was observed.

= core.v1.NamespaceSpec What holds a namespace.
finalizers [s] Who must agree before the namespace goes.

= core.v1.NamespaceStatus What was observed of a namespace.
conditions [o]~type What keeps deletion waiting.
phase s Active or Terminating.

=* core.v1.ConfigMap Configuration as keys and values.
binaryData {y} Values that are not UTF-8 text.
data {s} Values that are UTF-8 text.
immutable b Whether the data may change.

=* core.v1.Secret Confidential data as keys and values.
data {y} Values in base64.
immutable b Whether the data may change.
stringData {s} Values as text; written into data.
type s What kind of secret it is.

=* core.v1.ServiceAccount An identity for programs.
automountServiceAccountToken b Whether pods get its token.
imagePullSecrets [@core.v1.LocalObjectReference] Secrets for pulling images.
secrets [o]~name Secrets that pods may use.

=* core.v1.Service A name and address for a set of pods.
spec @core.v1.ServiceSpec Which pods, which ports.
status o What was observed.

= core.v1.ServiceSpec The pods and ports of a Service.
allocateLoadBalancerNodePorts b Whether ports of the nodes are taken for a LoadBalancer.
clusterIP s The address inside the cluster, or None.
clusterIPs [s] The addresses inside the cluster.
externalIPs [s] Addresses at which nodes take traffic, too.
externalName s The name that a service of type ExternalName stands for.
externalTrafficPolicy s Cluster or Local.
healthCheckNodePort i The port of the nodes for checks of a LoadBalancer.
internalTrafficPolicy s Cluster or Local.
ipFamilies [s] IPv4 or IPv6.
ipFamilyPolicy s SingleStack, PreferDualStack or RequireDualStack.
loadBalancerClass s Who makes the load balancer.
loadBalancerIP s The address of the load balancer.
loadBalancerSourceRanges [s] Who may use the load balancer.
ports [@core.v1.ServicePort]~port The ports.
publishNotReadyAddresses b Whether pods that are not ready are listed.
selector {s} Labels of the pods.
sessionAffinity s ClientIP or None.
sessionAffinityConfig o For how long a client stays with a pod.
topologyKeys [s] Deprecated.
trafficDistribution s Which pods are preferred.
type s ClusterIP, NodePort, LoadBalancer or ExternalName.

= core.v1.ServicePort One port of a Service.
appProtocol s What is spoken.
name s The port's name.
nodePort i The port of the nodes.
port! i The port's number.
protocol s TCP, UDP or SCTP.
targetPort x The port of the pods.

=* core.v1.Endpoints Addresses behind a Service.
subsets [o] Addresses and ports.

=* core.v1.Node A machine that runs pods.
spec o How the node may be used.
status o What was observed.

=* core.v1.Event Something that happened to an object.
action s What was done.
count i How often it happened.
eventTime t When it first happened.
firstTimestamp t When it first happened.
involvedObject! @core.v1.ObjectReference The object it happened to.
lastTimestamp t When it last happened.
message s What happened, for people.
reason s What happened, in one word.
related @core.v1.ObjectReference A second object.
reportingComponent s Who reports it.
reportingInstance s Which instance reports it.
series o How often it was repeated.
source o Who reports it.
type s Normal or Warning.

= core.v1.ObjectReference An object, by name.
apiVersion s Its group and version.
fieldPath s A part of it.
kind s Its kind.
name s Its name.
namespace s Its namespace.
resourceVersion s Its version.
uid s Its uid.

=* core.v1.PersistentVolumeClaim A request for storage.
spec @core.v1.PersistentVolumeClaimSpec What is asked for.
status @core.v1.PersistentVolumeClaimStatus What was given.

= core.v1.PersistentVolumeClaimSpec What storage is asked for.
accessModes [s] ReadWriteOnce, ReadOnlyMany, ReadWriteMany, ReadWriteOncePod.
dataSource o The snapshot or claim to start from.
dataSourceRef o The object to start from.
resources @core.v1.VolumeResourceRequirements How much.
selector @meta.v1.LabelSelector Which volumes are acceptable.
storageClassName s The class of storage.
volumeAttributesClassName s The class of attributes.
volumeMode s Filesystem or Block.
volumeName s The volume that is bound.

= core.v1.VolumeResourceRequirements How much storage.
limits {q} The most.
requests {q} The least.

= core.v1.PersistentVolumeClaimStatus What storage was given.
accessModes [s] How it can be used.
allocatedResourceStatuses {s} The state of a change of size.
allocatedResources {q} What is set aside.
capacity {q} What there is.
conditions [o]~type The state of a change of size.
currentVolumeAttributesClassName s The class of attributes in effect.
modifyVolumeStatus o The state of a change of attributes.
phase s Pending, Bound or Lost.

=* core.v1.PersistentVolume A piece of storage.
spec @core.v1.PersistentVolumeSpec Where it is and how it can be used.
status o What was observed.

= core.v1.PersistentVolumeSpec Where storage is and how it can be used.
accessModes [s] ReadWriteOnce, ReadOnlyMany, ReadWriteMany, ReadWriteOncePod.
awsElasticBlockStore o An AWS disk.
azureDisk o An Azure disk.
azureFile o An Azure file share.
capacity {q} How much there is.
cephfs o A CephFS mount.
cinder o An OpenStack disk.
claimRef @core.v1.ObjectReference The claim that it is bound to.
csi @core.v1.CSIPersistentVolumeSource A volume of a CSI driver.
fc o A Fibre Channel disk.
flexVolume o A volume of an exec driver.
flocker o A Flocker volume.
gcePersistentDisk o A Google disk.
glusterfs o A Gluster mount.
hostPath @core.v1.HostPathVolumeSource A path of the node.
iscsi o An iSCSI disk.
local o A local disk.
mountOptions [s] Options for mounting.
nfs o An NFS mount.
nodeAffinity o Which nodes can use it.
persistentVolumeReclaimPolicy s What happens when its claim goes: Retain, Delete.
photonPersistentDisk o A Photon disk.
portworxVolume o A Portworx volume.
quobyte o A Quobyte mount.
rbd o A Rados block device.
scaleIO o A ScaleIO volume.
storageClassName s The class of storage.
storageos o A StorageOS volume.
volumeAttributesClassName s The class of attributes.
volumeMode s Filesystem or Block.
vsphereVolume o A vSphere disk.

= core.v1.CSIPersistentVolumeSource A volume of a CSI driver.
controllerExpandSecretRef o Secret for growing it.
controllerPublishSecretRef o Secret for attaching it.
driver! s The driver's name.
fsType s The file system to use.
nodeExpandSecretRef o Secret for growing it on the node.
nodePublishSecretRef o Secret for mounting it.
nodeStageSecretRef o Secret for staging it.
readOnly b Whether it is read-only.
volumeAttributes {s} What the driver wants to know.
volumeHandle! s The driver's id of the volume.

=* storage.v1.StorageClass A class of storage.
allowVolumeExpansion b Whether volumes can grow.
allowedTopologies [o] Where volumes may be made.
mountOptions [s] Options for mounting.
parameters {s} What the provisioner wants to know.
provisioner! s Who makes the volumes.
reclaimPolicy s What happens when a claim goes.
volumeBindingMode s Immediate or WaitForFirstConsumer.

=* coordination.v1.Lease Who leads.
spec @coordination.v1.LeaseSpec Who leads, and since when.

= coordination.v1.LeaseSpec Who leads, and since when.
acquireTime t When it was acquired.
holderIdentity s Who holds it.
leaseDurationSeconds i For how long after a renewal it is held.
leaseTransitions i How often the holder changed.
preferredHolder s Who should hold it next.
renewTime t When it was last renewed.
strategy s How the next holder is chosen.

= rbac.v1.PolicyRule What may be done to what.
apiGroups [s] Groups; "" is the core group, * is all.
nonResourceURLs [s] Paths that are no resources.
resourceNames [s] Names; empty means all.
resources [s] Resources and subresources; * is all.
verbs! [s] Verbs; * is all.

= rbac.v1.RoleRef The role that a binding grants.
apiGroup! s rbac.authorization.k8s.io.
kind! s Role or ClusterRole.
name! s The role's name.

= rbac.v1.Subject Who a binding grants to.
apiGroup s rbac.authorization.k8s.io, or "" for service accounts.
kind! s User, Group or ServiceAccount.
name! s The subject's name.
namespace s The service account's namespace.

=* rbac.v1.Role Permissions in one namespace.
rules [@rbac.v1.PolicyRule] What may be done.

=* rbac.v1.ClusterRole Permissions in all namespaces, or for RoleBindings to grant in one.
aggregationRule o Take the rules of other ClusterRoles.
rules [@rbac.v1.PolicyRule] What may be done.

=* rbac.v1.RoleBinding Grants a role in one namespace.
roleRef! @rbac.v1.RoleRef The role.
subjects [@rbac.v1.Subject] Who gets it.

=* rbac.v1.ClusterRoleBinding Grants a role in all namespaces.
roleRef! @rbac.v1.RoleRef The role.
subjects [@rbac.v1.Subject] Who gets it.

=* certificates.v1.CertificateSigningRequest Somebody asks for a certificate.
spec! @certificates.v1.CertificateSigningRequestSpec What is asked for, and by whom.
status @certificates.v1.CertificateSigningRequestStatus The verdict and the certificate.

= certificates.v1.CertificateSigningRequestSpec What is asked for, and by whom.
expirationSeconds i For how long the certificate shall hold, at least 600.
extra {[s]} More about who asked; set by the server.
groups [s] The groups of who asked; set by the server.
request! y A PEM block of type CERTIFICATE REQUEST.
signerName! s Who shall sign: kubernetes.io/kube-apiserver-client for clients of this API.
uid s The uid of who asked; set by the server.
usages [s] What the key is for: digital signature, client auth.
username s Who asked; set by the server.

= certificates.v1.CertificateSigningRequestStatus The verdict and the certificate.
certificate y The certificate, as PEM.
conditions [@certificates.v1.CertificateSigningRequestCondition] Approved, Denied or Failed.

= certificates.v1.CertificateSigningRequestCondition One thing decided or observed.
lastTransitionTime t When the status last changed.
lastUpdateTime t When it was last written.
message s Why, for people.
reason s Why, in one word.
status! s True, False or Unknown.
type! s Approved, Denied or Failed.

=* apiext.v1.CustomResourceDefinition A kind that is added to the API.
spec! @apiext.v1.CustomResourceDefinitionSpec The kind.
status o What was observed.

= apiext.v1.CustomResourceDefinitionSpec A kind that is added to the API.
conversion o How versions are converted.
group! s The kind's group.
names! @apiext.v1.CustomResourceDefinitionNames Its names.
preserveUnknownFields b Whether fields that no schema names are kept.
scope! s Namespaced or Cluster.
versions! [o] Its versions, each with a schema.

= apiext.v1.CustomResourceDefinitionNames The names of a kind.
categories [s] Groups of kinds that it belongs to, such as all.
kind! s The kind.
listKind s The kind of its lists.
plural! s The name in paths.
shortNames [s] Short names for the command line.
singular s The name for the command line.
)";

}  // namespace

SchemaText resource_schemas() { return {kResources}; }

}  // namespace breakwater::apiserver
