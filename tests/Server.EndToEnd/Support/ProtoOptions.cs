using System.Runtime.CompilerServices;
using Relay.AdminAuth;

namespace Relay.EndToEnd.Support;

/// <summary>
/// The protos are compiled into relayd and into these tests. Google.Protobuf keeps one value of an option for both, that of the assembly which asked first,
/// and relayd refuses to start where it is not its own: so relayd's comes first, before any test's client.
/// </summary>
internal static class ProtoOptions
{
#pragma warning disable CA2255 // No test comes before it.
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void Load() =>
        RuntimeHelpers.RunClassConstructor(typeof(MethodAuthorization).Assembly.GetType("Relay.AdminApi.FederationReflection", throwOnError: true)!.TypeHandle);
}
