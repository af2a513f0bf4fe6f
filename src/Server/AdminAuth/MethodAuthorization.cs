using Google.Protobuf.Reflection;
using Grpc.AspNetCore.Server;
using Microsoft.AspNetCore.Authorization;
using Relay.AdminApi;

namespace Relay.AdminAuth;

/// <summary>What one method requires, as metadata of its endpoint.</summary>
/// <param name="Role">The least role that may call it.</param>
/// <param name="IsMutating">It changes something: each call leaves an audit entry, however it ends.</param>
internal sealed record MethodAuthorization(AdminRole Role, bool IsMutating)
{
    /// <summary>Read-only, for callers with the role read.</summary>
    public static readonly MethodAuthorization ReadOnly = new(AdminRole.Read, IsMutating: false);

    /// <summary>
    /// For endpoints without a requirement of their own: an unknown path reveals nothing to callers who may not read, and a
    /// method that was mapped without its requirement is denied to all.
    /// </summary>
    public static readonly AuthorizationPolicy Fallback = new AuthorizationPolicyBuilder()
        .RequireRole(AdminRole.Read.Word())
        .RequireAssertion(context => (context.Resource as HttpContext)?.GetEndpoint()?.Metadata.GetMetadata<GrpcMethodMetadata>() is null)
        .Build();

    /// <summary>Every process that can open the Unix socket may call it there, without a role: a supervisor has none.</summary>
    public bool IsOpenToLocalCallers { get; init; }

    private AuthorizeAttribute Policy => new() { Roles = IsOpenToLocalCallers ? $"{Role.Word()},{AdminIdentity.LocalCaller}" : Role.Word() };

    /// <summary>What the options of a method declare. Throws when they name no role: a method without a declared role must not be served.</summary>
    public static MethodAuthorization Of(MethodDescriptor method)
    {
        var options = method.GetOptions();
        return options?.GetExtension(AuthorizationExtensions.RequiredRole) is { } role and not AdminApi.Role.Unspecified
            ? new MethodAuthorization((AdminRole)role, options.IdempotencyLevel != MethodOptions.Types.IdempotencyLevel.NoSideEffects)
            : throw new InvalidOperationException($"{method.FullName} has no option (relay.admin.v1.required_role); say in its .proto file who may call it");
    }

    /// <summary>Gives every endpoint of a service what the options of its method declare.</summary>
    public static void Require(IEndpointConventionBuilder endpoints, IEnumerable<MethodDescriptor> methods)
    {
        // Read now and not with the first request: a method without the option stops the start.
        var required = methods.ToDictionary(method => method.Name, Of);
        endpoints.Add(endpoint => Require(endpoint, name => required[name]));
    }

    /// <summary>Gives every endpoint of a service that is not ours, and so has no options, the same requirement.</summary>
    public static void Require(IEndpointConventionBuilder endpoints, MethodAuthorization requirement) =>
        endpoints.Add(endpoint => Require(endpoint, _ => requirement));

    // The endpoint for methods that the service does not have has no such metadata: the fallback policy holds for it.
    private static void Require(EndpointBuilder endpoint, Func<string, MethodAuthorization> find)
    {
        if (endpoint.Metadata.OfType<GrpcMethodMetadata>().LastOrDefault() is { } method)
        {
            var requirement = find(method.Method.Name);
            endpoint.Metadata.Add(requirement);
            endpoint.Metadata.Add(requirement.Policy);
        }
    }
}
