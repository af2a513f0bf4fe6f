using System.Security.Claims;
using Google.Protobuf.Reflection;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Grpc.Health.V1;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Relay.AdminApi;
using Relay.AdminAuth;

namespace Server.Tests.AdminAuth;

public sealed class MethodAuthorizationTests
{
    private static readonly string[] ReadOnlyVerbs = ["Get", "List", "Watch", "Tail", "Diff", "Explain", "Verify"];

    // Every service of every file of the contract that this assembly knows, so that a new one cannot be omitted here.
    public static TheoryData<string> Methods => [.. All.Select(method => method.FullName)];

    private static IEnumerable<MethodDescriptor> All => typeof(AdminService).Assembly.GetTypes()
        .Where(type => type.Namespace == typeof(AdminService).Namespace && type.Name.EndsWith("Reflection", StringComparison.Ordinal))
        .Select(type => (FileDescriptor)type.GetProperty("Descriptor")!.GetValue(null)!)
        .SelectMany(file => file.Services)
        .SelectMany(service => service.Methods);

    [Fact]
    public void All_HoldsTheServicesWeKnow() => Assert.Superset(
        new HashSet<string>(["AdminService", "PolicyService", "DecisionService", "ConnectionService"]),
        All.Select(method => method.Service.Name).ToHashSet());

    [Theory]
    [MemberData(nameof(Methods))]
    public void Of_EveryMethodOfTheContract_HasARoleAndIsReadOnlyIfItsNameSaysSo(string name)
    {
        var required = MethodAuthorization.Of(All.Single(method => method.FullName == name));

        Assert.InRange(required.Role, AdminRole.Read, AdminRole.Admin);
        Assert.Equal(!ReadOnlyVerbs.Any(verb => name[(name.LastIndexOf('.') + 1)..].StartsWith(verb, StringComparison.Ordinal)), required.IsMutating);
        Assert.False(required is { IsMutating: true, Role: AdminRole.Read }, "whoever may only read changes nothing");
    }

    [Theory]
    [InlineData("AdminService.GetStats", "Read", false)]
    [InlineData("AdminService.ListAudit", "Read", false)]
    [InlineData("AdminService.WatchEvents", "Read", false)]
    [InlineData("AdminService.ListTokens", "Admin", false)]
    [InlineData("AdminService.CreateToken", "Admin", true)]
    [InlineData("AdminService.RevokeToken", "Admin", true)]
    [InlineData("PolicyService.ChangePolicy", "Operate", true)]
    [InlineData("PolicyService.RollbackPolicy", "Admin", true)]
    [InlineData("PolicyService.PromoteShadow", "Admin", true)]
    [InlineData("ConnectionService.Drain", "Operate", true)]
    [InlineData("DecisionService.TailDecisions", "Read", false)]
    public void Of_AMethod_IsWhatItsOptionsDeclare(string name, string role, bool isMutating)
    {
        var required = MethodAuthorization.Of(All.Single(method => method.FullName == $"relay.admin.v1.{name}"));

        Assert.Equal((role, isMutating), (required.Role.ToString(), required.IsMutating));
    }

    // The health service's own contract knows nothing of our option.
    [Fact]
    public void Of_AMethodWithoutTheOption_IsAnErrorThatNamesIt()
    {
        var error = Assert.Throws<InvalidOperationException>(() => MethodAuthorization.Of(Health.Descriptor.FindMethodByName("Check")));

        Assert.StartsWith("grpc.health.v1.Health.Check has no option (relay.admin.v1.required_role)", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("None", "Process", "local")]
    [InlineData("None", "Certificate", "")]
    [InlineData("Read", "Token", "read")]
    [InlineData("Operate", "Process", "read operate local")]
    [InlineData("Admin", "Certificate", "read operate admin")]
    public void ToPrincipal_ARole_IncludesThoseBeforeIt(string role, string kind, string claims)
    {
        var principal = new AdminIdentity("kay", Enum.Parse<AdminRole>(role), Enum.Parse<CallerKind>(kind)).ToPrincipal("test");

        Assert.True(principal.Identity!.IsAuthenticated);
        Assert.Equal("kay", principal.Identity.Name);
        Assert.Equal(
            claims.Split(' ', StringSplitOptions.RemoveEmptyEntries),
            new[] { "read", "operate", "admin", "none", AdminIdentity.LocalCaller }.Where(principal.IsInRole));
    }

    [Theory]
    [InlineData("read", "Read")]
    [InlineData("operate", "Operate")]
    [InlineData("admin", "Admin")]
    [InlineData("none", null)]
    [InlineData("Admin", null)]
    [InlineData("1", null)]
    [InlineData("", null)]
    public void TryParse_AWord_IsARoleOnlyAsItIsWritten(string word, string? role)
    {
        Assert.Equal(role is not null, AdminRoles.TryParse(word, out var parsed));
        Assert.Equal(role ?? "None", parsed.ToString());
        Assert.Equal(role is null ? "none" : word, parsed.Word());
    }

    // The numbers of the contract are cast to ours.
    [Fact]
    public void Roles_OfTheContract_AreOursByNumber() => Assert.Equal(
        Enum.GetValues<Role>().Select(role => role == Role.Unspecified ? "None" : role.ToString()),
        Enum.GetValues<AdminRole>().Select(role => role.ToString()));

    /// <summary>A service that somebody maps without its requirement is open to nobody, an admin included.</summary>
    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task Fallback_OfAMethodAndOfAnUnknownPath(bool isMethod, bool isAllowed)
    {
        var services = new ServiceCollection().AddLogging().AddAuthorizationCore().BuildServiceProvider();
        var method = new GrpcMethodMetadata(typeof(object), new Method<string, string>(
            MethodType.Unary, "a.Service", "Method", Marshallers.StringMarshaller, Marshallers.StringMarshaller));
        var context = new DefaultHttpContext();
        context.SetEndpoint(new Endpoint(null, isMethod ? new EndpointMetadataCollection(method) : EndpointMetadataCollection.Empty, null));
        var admin = new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Role, "read"), new Claim(ClaimTypes.Role, "admin")], "test"));

        var result = await services.GetRequiredService<IAuthorizationService>().AuthorizeAsync(admin, context, MethodAuthorization.Fallback);

        Assert.Equal(isAllowed, result.Succeeded);
    }
}
