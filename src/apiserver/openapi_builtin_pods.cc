#include "apiserver/openapi_builtin.h"

namespace breakwater::apiserver {

namespace {

constexpr std::string_view kPods = R"(
=* core.v1.Pod A group of containers that run together on one node.
spec @core.v1.PodSpec What should run.
status @core.v1.PodStatus What was observed; written by the node.

= core.v1.PodSpec What a pod should run, and where.
activeDeadlineSeconds l Seconds after which the pod is stopped and counts as failed.
affinity o Constraints on where the pod is scheduled.
automountServiceAccountToken b Whether the service account's token is mounted.
containers! [@core.v1.Container]~name The containers; at least one.
dnsConfig o DNS parameters of the pod.
dnsPolicy s How the pod resolves names: ClusterFirst, Default, None.
enableServiceLinks b Whether services appear in the environment.
ephemeralContainers [o]~name Containers added for debugging.
hostAliases [o]~ip Additional entries of /etc/hosts.
hostIPC b Use the node's IPC namespace.
hostNetwork b Use the node's network.
hostPID b Use the node's process ids.
hostUsers b Use the node's user namespace.
hostname s The pod's host name.
imagePullSecrets [@core.v1.LocalObjectReference]~name Secrets for pulling images.
initContainers [@core.v1.Container]~name Containers that run one after the other before the others.
nodeName s The node that the pod is bound to.
nodeSelector {s} Labels that the node must have.
os o The operating system of the containers.
overhead {q} Resources that running the pod costs in addition.
preemptionPolicy s Whether the pod may evict others.
priority i The pod's priority.
priorityClassName s The class that gives the priority.
readinessGates [o] Conditions that must be true before the pod is ready.
resourceClaims [o]~name Devices that the pod claims.
resources o Resources of the pod as a whole.
restartPolicy s Always, OnFailure or Never.
runtimeClassName s The class of runtime that runs the pod.
schedulerName s Who schedules the pod.
schedulingGates [o]~name Reasons not to schedule the pod yet.
securityContext o Security settings of all containers.
serviceAccount s Deprecated name of serviceAccountName.
serviceAccountName s The service account that the pod acts as.
setHostnameAsFQDN b Use the full name as host name.
shareProcessNamespace b Let the containers see each other's processes.
subdomain s The subdomain of the pod's full name.
terminationGracePeriodSeconds l Seconds between asking to stop and stopping.
tolerations [@core.v1.Toleration] Taints of nodes that the pod accepts.
topologySpreadConstraints [o]~topologyKey How pods spread over the cluster.
volumes [@core.v1.Volume]~retain What containers can mount.

= core.v1.LocalObjectReference The name of an object in the same namespace.
name s The object's name.

= core.v1.Toleration A taint that is accepted.
effect s NoSchedule, PreferNoSchedule or NoExecute; empty means all.
key s The taint's key; empty means all.
operator s Exists or Equal.
tolerationSeconds l How long a NoExecute taint is accepted.
value s The taint's value.

= core.v1.Container One container of a pod.
args [s] Arguments of the command.
command [s] The command; the image's if absent.
env [@core.v1.EnvVar]~name Environment variables.
envFrom [@core.v1.EnvFromSource] Whole ConfigMaps and Secrets as environment variables.
image s The image to run.
imagePullPolicy s Always, IfNotPresent or Never.
lifecycle o What to run after the start and before the stop.
livenessProbe o Restart the container when this fails.
name! s The container's name, unique in the pod.
ports [@core.v1.ContainerPort]~containerPort Ports that the container listens on.
readinessProbe o The container is ready while this succeeds.
resizePolicy [o] What happens when resources change.
resources @core.v1.ResourceRequirements What the container needs and may use.
restartPolicy s Always for an init container that keeps running.
securityContext o Security settings of this container.
startupProbe o The container has started once this succeeds.
stdin b Whether the container has a standard input.
stdinOnce b Whether the input closes after the first client.
terminationMessagePath s The file whose content explains how the container ended.
terminationMessagePolicy s File or FallbackToLogsOnError.
tty b Whether the container has a terminal.
volumeDevices [@core.v1.VolumeDevice]~devicePath Block volumes as devices.
volumeMounts [@core.v1.VolumeMount]~mountPath File systems as directories.
workingDir s The directory to start in.

= core.v1.EnvVar One environment variable.
name! s The variable's name.
value s Its value; $(NAME) stands for other variables.
valueFrom @core.v1.EnvVarSource Where its value comes from.

= core.v1.EnvVarSource Where a variable's value comes from.
configMapKeyRef @core.v1.KeySelector A key of a ConfigMap.
fieldRef @core.v1.ObjectFieldSelector A field of the pod.
fileKeyRef o A key of a file in a volume.
resourceFieldRef o A resource of the container.
secretKeyRef @core.v1.KeySelector A key of a Secret.

= core.v1.KeySelector One key of a ConfigMap or Secret.
key! s The key.
name s The object's name.
optional b Whether it may be absent.

= core.v1.ObjectFieldSelector One field of the pod.
apiVersion s The version that the path is written for.
fieldPath! s The path, such as metadata.name.

= core.v1.EnvFromSource A whole ConfigMap or Secret.
configMapRef @core.v1.EnvSource The ConfigMap.
prefix s Put before each name.
secretRef @core.v1.EnvSource The Secret.

= core.v1.EnvSource A ConfigMap or Secret by name.
name s The object's name.
optional b Whether it may be absent.

= core.v1.ContainerPort A port that a container listens on.
containerPort! i The port's number.
hostIP s The node's address to bind to.
hostPort i The node's port.
name s The port's name.
protocol s TCP, UDP or SCTP.

= core.v1.ResourceRequirements What is needed and what is allowed.
claims [o] Devices claimed.
limits {q} The most that may be used.
requests {q} The least that is needed.

= core.v1.VolumeDevice A block volume as a device.
devicePath! s The path of the device in the container.
name! s The volume's name.

= core.v1.VolumeMount A volume as a directory.
mountPath! s The path in the container.
mountPropagation s How mounts travel between node and container.
name! s The volume's name.
readOnly b Whether it is read-only.
recursiveReadOnly s Whether nested mounts are read-only too.
subPath s A path within the volume.
subPathExpr s The same, with variables.

= core.v1.Volume Something that containers can mount.
awsElasticBlockStore o An AWS disk.
azureDisk o An Azure disk.
azureFile o An Azure file share.
cephfs o A CephFS mount.
cinder o An OpenStack disk.
configMap @core.v1.ConfigMapVolumeSource The keys of a ConfigMap as files.
csi o A volume that a CSI driver makes for the pod.
downwardAPI o Fields of the pod as files.
emptyDir @core.v1.EmptyDirVolumeSource An empty directory that lives as long as the pod.
ephemeral o A claim that lives as long as the pod.
fc o A Fibre Channel disk.
flexVolume o A volume of an exec driver.
flocker o A Flocker volume.
gcePersistentDisk o A Google disk.
gitRepo o A git repository.
glusterfs o A Gluster mount.
hostPath @core.v1.HostPathVolumeSource A path of the node.
image o An image as a volume.
iscsi o An iSCSI disk.
name! s The volume's name, unique in the pod.
nfs o An NFS mount.
persistentVolumeClaim @core.v1.PersistentVolumeClaimVolumeSource A claim in the pod's namespace.
photonPersistentDisk o A Photon disk.
portworxVolume o A Portworx volume.
projected o Several sources in one directory.
quobyte o A Quobyte mount.
rbd o A Rados block device.
scaleIO o A ScaleIO volume.
secret @core.v1.SecretVolumeSource The keys of a Secret as files.
storageos o A StorageOS volume.
vsphereVolume o A vSphere disk.

= core.v1.KeyToPath One key as a file.
key! s The key.
mode i The file's mode.
path! s The file's path.

= core.v1.ConfigMapVolumeSource A ConfigMap as files.
defaultMode i The files' mode.
items [@core.v1.KeyToPath] The keys to show; all if absent.
name s The ConfigMap's name.
optional b Whether it may be absent.

= core.v1.SecretVolumeSource A Secret as files.
defaultMode i The files' mode.
items [@core.v1.KeyToPath] The keys to show; all if absent.
optional b Whether it may be absent.
secretName s The Secret's name.

= core.v1.EmptyDirVolumeSource An empty directory.
medium s "" or Memory.
sizeLimit q The most it may hold.

= core.v1.HostPathVolumeSource A path of the node.
path! s The path.
type s What must be there.

= core.v1.PersistentVolumeClaimVolumeSource A claim used by a pod.
claimName! s The claim's name.
readOnly b Whether it is read-only.

= core.v1.PodStatus What was observed of a pod.
conditions [@core.v1.PodCondition]~type Whether the pod is scheduled, initialised and ready.
containerStatuses [o] One entry for each container.
ephemeralContainerStatuses [o] One entry for each debugging container.
extendedResourceClaimStatus o Devices claimed through extended resources.
hostIP s The node's address.
hostIPs [o]~ip The node's addresses.
initContainerStatuses [o] One entry for each init container.
message s Why the pod is in this state, for people.
nominatedNodeName s The node that the pod waits for.
observedGeneration l The generation that this status describes.
phase s Pending, Running, Succeeded, Failed or Unknown.
podIP s The pod's address.
podIPs [o]~ip The pod's addresses.
qosClass s BestEffort, Burstable or Guaranteed.
reason s Why the pod is in this state, in one word.
resize s The state of a change of resources.
resourceClaimStatuses [o]~name Devices claimed.
startTime t When the node took the pod.

= core.v1.PodCondition One aspect of a pod's state.
lastProbeTime t When it was last looked at.
lastTransitionTime t When it last changed.
message s Details for people.
observedGeneration l The generation that this condition describes.
reason s Why, in one word.
status! s True, False or Unknown.
type! s The aspect.

= core.v1.PodTemplateSpec Pods to be made.
metadata @meta.v1.ObjectMeta Labels and annotations of the pods.
spec @core.v1.PodSpec What the pods run.

=* apps.v1.Deployment Pods that are replaced one by one when their template changes.
spec @apps.v1.DeploymentSpec The pods that should be.
status o What was observed.

= apps.v1.DeploymentSpec The pods of a Deployment.
minReadySeconds i Seconds a pod must be ready to count as available.
paused b Whether changes wait.
progressDeadlineSeconds i Seconds after which a rollout counts as failed.
replicas i How many pods.
revisionHistoryLimit i How many old versions are kept.
selector! @meta.v1.LabelSelector Which pods belong to it.
strategy o How pods are replaced.
template! @core.v1.PodTemplateSpec The pods to make.

=* apps.v1.StatefulSet Pods with stable names and volumes.
spec @apps.v1.StatefulSetSpec The pods that should be.
status o What was observed.

= apps.v1.StatefulSetSpec The pods of a StatefulSet.
minReadySeconds i Seconds a pod must be ready to count as available.
ordinals o How the pods are numbered.
persistentVolumeClaimRetentionPolicy o What happens to claims.
podManagementPolicy s OrderedReady or Parallel.
replicas i How many pods.
revisionHistoryLimit i How many old versions are kept.
selector! @meta.v1.LabelSelector Which pods belong to it.
serviceName s The service that names the pods.
template! @core.v1.PodTemplateSpec The pods to make.
updateStrategy o How pods are replaced.
volumeClaimTemplates [@core.v1.PersistentVolumeClaim] Claims made for each pod.
)";

}  // namespace

SchemaText core_schemas() { return {kPods}; }

}  // namespace breakwater::apiserver
