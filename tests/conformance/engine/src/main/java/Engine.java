import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.ConceptValidationOptions;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.context.support.ValidationSupportContext;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.SingleValidationMessage;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.PrePopulatedValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.SnapshotGeneratingValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirDefaultPolicyAdvisor;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;
import org.hl7.fhir.r4.model.MetadataResource;
import org.hl7.fhir.r4.model.Resource;
import org.hl7.fhir.r5.elementmodel.Element;
import org.hl7.fhir.r5.model.CanonicalResource;
import org.hl7.fhir.r5.model.CanonicalType;
import org.hl7.fhir.r5.utils.validation.IResourceValidator;
import org.hl7.fhir.r5.utils.validation.IValidatorResourceFetcher;
import org.hl7.fhir.r5.utils.validation.constants.ReferenceValidationPolicy;
import org.hl7.fhir.utilities.npm.NpmPackage;

/**
 * HL7's validation engine for FHIR R4, offline: {@code Engine PACKAGE...}, each a .tgz or an unpacked folder. It prints {@code ready}, then reads one
 * path a line and answers each with one line of JSON: a list of {severity, id, path, message}.
 */
public final class Engine {
  private final FhirContext context = FhirContext.forR4Cached();
  private final PrePopulatedValidationSupport packages = new PrePopulatedValidationSupport(context);

  public static void main(String[] arguments) throws IOException {
    Engine engine = new Engine();
    for (String archive : arguments) {
      engine.load(Path.of(archive));
    }
    FhirValidator validator = engine.validator();
    System.out.println("ready");
    BufferedReader paths = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String path = paths.readLine(); path != null; path = paths.readLine()) {
      System.out.println(findings(validator, Files.readString(Path.of(path))));
    }
  }

  /** Takes the conformance resources of a FHIR package; definitions without a snapshot get one when they are used. */
  private void load(Path archive) throws IOException {
    NpmPackage npm;
    if (Files.isDirectory(archive)) {
      npm = NpmPackage.fromFolder(archive.toString());
    } else {
      try (InputStream in = Files.newInputStream(archive)) {
        npm = NpmPackage.fromPackage(in);
      }
    }
    for (String name : npm.list("package")) {
      if (!name.endsWith(".json") || name.equals("package.json") || name.startsWith(".")) {
        continue;
      }
      String json = new String(npm.load("package", name).readAllBytes(), StandardCharsets.UTF_8);
      Resource resource = (Resource) context.newJsonParser().parseResource(json);
      if (resource instanceof MetadataResource) {
        packages.addResource(resource);
      }
    }
  }

  private FhirValidator validator() {
    FhirInstanceValidator engine = new FhirInstanceValidator(new ValidationSupportChain(
        new DefaultProfileValidationSupport(context),
        packages,
        new PreferredLanguages(context),
        new InMemoryTerminologyServerValidationSupport(context),
        new SnapshotGeneratingValidationSupport(context)));
    engine.setAnyExtensionsAllowed(true);
    engine.setAssumeValidRestReferences(true); // a reference to elsewhere is judged by the type it names
    engine.setValidatorPolicyAdvisor(new FhirDefaultPolicyAdvisor() {
      @Override
      public ReferenceValidationPolicy policyForReference(
          IResourceValidator v, Object context, String path, String url, ReferenceDestinationType to) {
        return url.startsWith("urn:uuid:") || url.startsWith("urn:oid:") // it must lead to an entry of the same Bundle
            ? ReferenceValidationPolicy.CHECK_EXISTS_AND_TYPE
            : ReferenceValidationPolicy.CHECK_TYPE_IF_EXISTS;
      }
    });
    engine.setValidatorResourceFetcher(new NothingElsewhere());
    return context.newValidator().registerValidatorModule(engine);
  }

  private static JsonArray findings(FhirValidator validator, String text) {
    JsonArray found = new JsonArray();
    try {
      for (SingleValidationMessage message : validator.validateWithResult(text).getMessages()) {
        found.add(finding(message.getSeverity().getCode(), message.getMessageId(), message.getLocationString(),
            message.getMessage()));
      }
    } catch (RuntimeException | LinkageError | StackOverflowError unreadable) {
      found.add(finding("fatal", unreadable.getClass().getSimpleName(), "", String.valueOf(unreadable.getMessage())));
    }
    return found;
  }

  private static JsonObject finding(String severity, String id, String path, String message) {
    JsonObject made = new JsonObject();
    made.addProperty("severity", severity);
    made.addProperty("id", id == null ? "" : id);
    made.addProperty("path", path == null ? "" : path);
    made.addProperty("message", message);
    return made;
  }

  /** The languages of R4 are a preferred list: the stand-in for it would refuse every other language, such as Welsh. */
  private static final class PreferredLanguages extends CommonCodeSystemsTerminologyService {
    private PreferredLanguages(FhirContext context) {
      super(context);
    }

    @Override
    public boolean isValueSetSupported(ValidationSupportContext around, String url) {
      return !isLanguages(url) && super.isValueSetSupported(around, url);
    }

    @Override
    public CodeValidationResult validateCode(ValidationSupportContext around, ConceptValidationOptions options,
        String system, String code, String display, String url) {
      return isLanguages(url) ? null : super.validateCode(around, options, system, code, display, url);
    }

    private static boolean isLanguages(String url) {
      return url != null && url.startsWith("http://hl7.org/fhir/ValueSet/languages");
    }
  }

  /** Nothing is fetched from outside the document. */
  private static final class NothingElsewhere implements IValidatorResourceFetcher {
    @Override
    public Element fetch(IResourceValidator v, Object context, String url) {
      return null;
    }

    @Override
    public boolean resolveURL(IResourceValidator v, Object context, String path, String url, String type,
        boolean canonical, List<CanonicalType> targets) {
      return !url.startsWith("urn:uuid:") && !url.startsWith("urn:oid:");
    }

    @Override
    public byte[] fetchRaw(IResourceValidator v, String url) {
      return new byte[0];
    }

    @Override
    public IValidatorResourceFetcher setLocale(Locale locale) {
      return this;
    }

    @Override
    public CanonicalResource fetchCanonicalResource(IResourceValidator v, Object context, String url) {
      return null;
    }

    @Override
    public boolean fetchesCanonicalResource(IResourceValidator v, String url) {
      return false;
    }

    @Override
    public Set<ResourceVersionInformation> fetchCanonicalResourceVersions(
        IResourceValidator v, Object context, String url) {
      return Set.of();
    }
  }
}
